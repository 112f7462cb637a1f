//! Enums whose variants have a name on the wire.

/// Declares an enum, with `ALL` and a method that returns the name. With the error for an unknown name, names are read too.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $enum:ident by $(#[$method_doc:meta])* $method:ident $(or $unknown:ident)? {
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

        $(impl std::str::FromStr for $enum {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                let mut all = Self::ALL.iter().copied();
                all.find(|one| one.$method() == text).ok_or($unknown)
            }
        })?
    };
}

pub(crate) use named;
