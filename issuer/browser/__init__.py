"""Everything that happens while a person is there: from /authorize to the code, and out again."""
