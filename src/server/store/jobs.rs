//! The imports that are recorded here, each with its user.
