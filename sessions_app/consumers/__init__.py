"""The websocket: parse a frame, call a service, follow runs."""
