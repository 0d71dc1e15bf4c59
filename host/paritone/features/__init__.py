"""Log-mel patches: `log_mel` is the float reference, `integer` what the board computes."""
