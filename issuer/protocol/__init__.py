"""What travels: requests and answers as values, and what is sealed. Nothing here decides."""
