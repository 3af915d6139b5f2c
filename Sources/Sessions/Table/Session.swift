/// One session of the table: what was asked for, and what has become of it.
package struct Session: Sendable {
    package let id: SessionID
    package let spec: SessionSpec
    /// Where it stands among all: later ones have higher numbers.
    package let number: UInt64
    package internal(set) var machine: SessionMachine
    package internal(set) var processes = ProcessTable()

    package init(_ id: SessionID, _ spec: SessionSpec, number: UInt64, _ machine: SessionMachine) {
        self.id = id
        self.spec = spec
        self.number = number
        self.machine = machine
    }
}
