"""What a million bookings an hour need, on paper: from counts that were measured and limits that AWS documents."""
