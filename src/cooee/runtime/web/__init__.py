"""HTTP endpoints: webhooks, /health and POST /send."""
