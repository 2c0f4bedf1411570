"""The pages and their JSON: parse, call one service, render."""
