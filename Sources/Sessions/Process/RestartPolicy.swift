package import Sandbox

/// Whether a managed process that ended by itself is started again: `no`, `on-failure`, `on-failure:5`,
/// `always`.
package struct RestartPolicy: Hashable, Sendable, CustomStringConvertible {
    package enum Mode: String, CaseIterable, Sendable {
        case no
        case onFailure = "on-failure"
        case always
    }

    package let mode: Mode
    /// The most restarts without a healthy run between them.
    package let most: Int

    /// Whoever states no number gets this one: with a minute between tries, most of a day.
    package static let usualMost = 1000

    package static let no = RestartPolicy(.no)

    package init(_ mode: Mode, most: Int = usualMost) {
        self.mode = mode
        self.most = most
    }

    package init(_ text: String) throws(ValueError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let mode = parts.first.flatMap({ Mode(rawValue: String($0)) }) else {
            throw RestartPolicy.error(text)
        }
        guard parts.count == 2 else {
            self.init(mode)
            return
        }
        guard mode == .onFailure else { throw RestartPolicy.error(text) }
        do throws(ValueError) {
            let count = try Quantity(.count, 1...UInt64(RestartPolicy.usualMost)).read(String(parts[1]))
            self.init(mode, most: Int(count))
        } catch {
            throw ValueError("restarts of on-failure: \(error.problem)")
        }
    }

    private static func error(_ text: String) -> ValueError {
        ValueError(
            "\(quoted(text)) is not a restart policy; expected no, always, on-failure or on-failure:N")
    }

    package var description: String {
        mode == .onFailure && most != RestartPolicy.usualMost ? "\(mode.rawValue):\(most)" : mode.rawValue
    }

    /// Whether what ended like this is to be started again, if that has not been tried too often.
    package func wants(after status: ProcessStatus?) -> Bool {
        switch mode {
        case .no: false
        case .onFailure: status != .exited(0)
        case .always: true
        }
    }
}
