"""What every room uses: types, ranges, checks, errors, status codes, numerics."""
