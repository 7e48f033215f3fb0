"""What a service has answered, looked at again: against the labels that came later."""
