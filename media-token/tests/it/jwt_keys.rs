//! Key files for JSON Web Tokens.
