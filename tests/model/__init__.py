"""Models of the protocol in Promela, checked by SPIN. docs/reliability.md says what each shows."""
