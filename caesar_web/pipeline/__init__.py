"""From a classification to a performed action. The caller owns the transaction."""
