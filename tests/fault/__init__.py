"""Every state of the sagas, against everything that can go wrong there; `make faults`."""
