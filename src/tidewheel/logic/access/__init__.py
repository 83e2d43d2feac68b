"""Who may do what: the table of operations, the decision, masking of secrets, waiting after failed logins."""
