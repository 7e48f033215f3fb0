"""The pytest plugin. Thin and light: it loads in every pytest run of the environment, so nothing of
gatekit is imported until `--model-uri` is given.
"""
