"""The example application as its users vary it: other signers, other ways to spell the path that is signed."""
