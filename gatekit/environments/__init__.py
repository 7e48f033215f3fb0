"""What a model declares to run with: read, compared with what is there, and built."""
