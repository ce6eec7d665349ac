"""Least privilege, as the call trail shows it: each call that a role made is allowed to it, and each thing that it may
do is needed."""
