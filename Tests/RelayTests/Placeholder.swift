// Placeholder until the relay's tests land.
