pub mod relay;

pub mod store {
    pub mod users {
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub struct UserId(pub &'static str);
    }
}
