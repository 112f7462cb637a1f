pub mod relay;

pub mod identity {
    pub mod credential {
        use super::user::UserId;

        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub struct Pass {
            pub user: UserId,
        }
    }

    pub mod user {
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub struct UserId(pub &'static str);
    }
}
