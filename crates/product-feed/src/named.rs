//! Enums whose variants have a name on the wire.

/// Declares an enum, with `ALL` and a method that returns the name.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $enum:ident by $(#[$method_doc:meta])* $method:ident {
            $($(#[$of_variant:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $enum {
            $($(#[$of_variant])* $variant,)+
        }

        impl $enum {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            $(#[$method_doc])*
            #[must_use]
            pub fn $method(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

pub(crate) use named;
