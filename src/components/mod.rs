//! What a person sees, in pieces.
