"""What our C is held against, and what evaluates a model as it is: other people's interpreters."""
