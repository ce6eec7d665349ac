"""What can go wrong with a lock, done to real servers and real holders: one holder all the same, and no lock left."""
