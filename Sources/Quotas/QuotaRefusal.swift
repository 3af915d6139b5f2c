import API
import Sandbox
package import Sessions

/// Whose quota it is.
package enum QuotaOwner: Hashable, Sendable, CustomStringConvertible {
    case tenant(Name)
    case node

    package var description: String {
        switch self {
        case .tenant(let name): "tenant \(name)"
        case .node: "this node"
        }
    }
}

/// Why something was not begun: it would take more than a quota has left. Nothing was taken.
package struct QuotaRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let owner: QuotaOwner
    package let quota: Quota
    package let limit: UInt64
    /// In use, or spent in this window of time.
    package let used: UInt64
    /// 0 of what is known only afterwards (``Quota/isMeasured``).
    package let asked: UInt64
    /// When it is as if nothing had been spent, in seconds since 1970; nil for what is given back instead.
    package let resets: UInt64?

    /// One sentence. What all tenants use of the node is not told: it would tell each of the others.
    package var description: String {
        let rule = quota.rule
        var text = "\(owner) may have \(rule.write(limit)) of \(quota.rawValue)"
        if quota.isMeasured {
            text += owner == .node ? ", which are used up" : " and has used \(rule.write(used))"
        } else {
            if owner != .node { text += ", has \(rule.write(used))" }
            text += " and was asked for \(rule.write(asked)) more"
        }
        if let resets {
            text += "; counted anew at \(APITime(milliseconds: Int64(clamping: resets) &* 1000))"
        }
        return text
    }
}

/// A quota of somebody's came near its limit, for the operators' events.
package struct QuotaNews: Hashable, Sendable {
    package let owner: QuotaOwner
    package let quota: Quota
    /// 80 or 95.
    package let percent: Int
    package let used: UInt64
    package let limit: UInt64
}

/// One line of a table of quotas.
package struct QuotaUse: Hashable, Sendable {
    package let quota: Quota
    package let limit: UInt64?
    package let used: UInt64
    /// As ``QuotaRefusal/resets``.
    package let resets: UInt64?
}
