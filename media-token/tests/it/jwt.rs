//! What is decided about JSON Web Tokens. Each test is named after its claim.
