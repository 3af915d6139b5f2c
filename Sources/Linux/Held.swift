/// A value with a single owner, in a box that can be optional, stored and passed like any other.
/// The value ends with the last reference to the box.
package final class Held<Value: ~Copyable> {
    package var value: Value

    package init(_ value: consuming Value) { self.value = value }
}
