"""People's side: saved authentications, conversations, messages and runs."""
