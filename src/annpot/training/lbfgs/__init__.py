"""L-BFGS over all data at once."""
