"""The service: one pointer, resolved once, proved, loaded, answered from; swapped when it moves."""
