"""What a booking costs in work: requests, transitions, units and bytes, counted on the local stack."""
