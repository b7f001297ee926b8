"""Configuration: composed from files and overrides as Hydra composes, typed, frozen, and able to say where every value came from."""
