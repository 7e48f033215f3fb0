"""A black-box attack on tables: numpy only, labels only, many rows in every call."""
