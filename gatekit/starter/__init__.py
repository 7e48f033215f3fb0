"""What `gatekit init` writes into a repository: a policy, a first own gate, a pipeline."""
