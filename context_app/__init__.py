"""What is sent to a model and what it may do: context, tools, intents, audits."""
