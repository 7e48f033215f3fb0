"""Load on a running service, by locust, in a process of its own: locust patches sockets."""
