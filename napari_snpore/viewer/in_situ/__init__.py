"""The In situ form: fibre diameter and intensity against time."""
