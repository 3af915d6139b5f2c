import Wire

/// Which sessions to list. Nothing is set: all of them.
package struct SessionQuery: Hashable, Sendable {
    package var tenant: String?
    package var name: String?
    /// The first digits of the id.
    package var idPrefix: String?
    package var profile: String?
    package var image: String?
    package var isLive: Bool?
    /// Any of these.
    package var states: [String]?
    /// All of these keys, each with this value or, where it is nil, with any.
    package var labels: [String: String?] = [:]

    package init() {}
}

/// Where a page of a list ended.
package struct PageMark: Hashable, Sendable {
    /// When the last one was created, in milliseconds since 1970.
    package var created: Int64
    package var id: String

    package init(created: Int64, id: String) {
        self.created = created
        self.id = id
    }
}

/// A part of a list of sessions.
package struct SessionPage: Hashable, Sendable {
    package let sessions: [SessionRecord]
    /// Where the next page goes on; nil when this one is the last.
    package let next: PageMark?
}

private enum ListQueries {
    static let oldestFirst = Query("list sessions", text(">", ""))
    static let newestFirst = Query("list newest sessions", text("<", "DESC"))

    private static func text(_ beyond: String, _ order: String) -> String {
        """
        SELECT * FROM sessions s
        WHERE (s.created_wall, s.id) \(beyond) (:wall, :last)
            AND (:tenant IS NULL OR s.tenant = :tenant)
            AND (:name IS NULL OR s.name = :name)
            AND (:prefix IS NULL OR substr(s.id, 1, length(:prefix)) = :prefix)
            AND (:profile IS NULL OR s.profile = :profile)
            AND (:image IS NULL OR s.image = :image)
            AND (:live IS NULL OR s.live = :live)
            AND (:states IS NULL OR s.state IN (SELECT value FROM json_each(:states)))
            AND (:labels IS NULL OR NOT EXISTS (
                SELECT 1 FROM json_each(:labels) wanted WHERE NOT EXISTS (
                    SELECT 1 FROM labels l WHERE l.session = s.id AND l.key = wanted.key
                        AND (wanted.value IS NULL OR l.value = wanted.value))))
        ORDER BY s.created_wall \(order), s.id \(order)
        LIMIT :limit
        """
    }
}

extension StateStore {
    /// A page of the sessions that fit `query`, in the order of their creation.
    /// - Parameters:
    ///   - mark: where the page before ended; nil for the first one.
    ///   - limit: the most sessions of a page.
    package func list(
        _ query: SessionQuery = SessionQuery(), newestFirst: Bool = false, after mark: PageMark? = nil,
        limit: Int
    ) throws(StoreError) -> SessionPage {
        let limit = Self.bounded(limit)
        let states = query.states.map { states in
            JSONText.array { list in states.forEach { list.add($0) } }.description
        }
        let labels = JSONText.object { object in
            for (key, value) in query.labels { object.add(key, value) }
        }
        // No id is before "" or after "g".
        let found = try sessions(
            newestFirst ? ListQueries.newestFirst : ListQueries.oldestFirst,
            [
                "wall": .integer(mark?.created ?? (newestFirst ? Int64.max : Int64.min)),
                "last": .text(mark?.id ?? (newestFirst ? "g" : "")), "tenant": .optional(query.tenant),
                "name": .optional(query.name), "prefix": .optional(query.idPrefix),
                "profile": .optional(query.profile), "image": .optional(query.image),
                "live": query.isLive.map { .flag($0) } ?? .null, "states": .optional(states),
                "labels": query.labels.isEmpty ? .null : .text(labels.description),
                // One more, to know whether there are more.
                "limit": .integer(Int64(limit) + 1),
            ])
        guard found.count > limit, let last = found.prefix(limit).last else {
            return SessionPage(sessions: found, next: nil)
        }
        return SessionPage(
            sessions: Array(found.prefix(limit)), next: PageMark(created: last.created.wall, id: last.id))
    }
}
