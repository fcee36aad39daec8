"""caesar_web: the decision engine of a citizen-science platform."""
