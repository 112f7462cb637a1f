//! What a person sees, page by page.
