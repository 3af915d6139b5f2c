private enum TransactionQueries {
    // At once, so that a statement in the middle never waits for another program's lock.
    static let begin = Query("begin", "BEGIN IMMEDIATE")
    static let commit = Query("commit", "COMMIT")
    static let rollback = Query("roll back", "ROLLBACK")
    static let part = Query("begin a part", "SAVEPOINT part")
    static let keep = Query("keep a part", "RELEASE part")
    static let drop = Query("drop a part", "ROLLBACK TO part")
}

extension Database {
    /// Does all of `body` or, when it throws, nothing.
    /// - Parameter waits: whether what it wrote is on the device when it returns. Else it is in the log, and
    ///   gets there with a ``DeviceWait``, with the next transaction that waits, or before a checkpoint.
    func transaction<Value>(
        waiting waits: Bool = true, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try wait(waits)
        try run(TransactionQueries.begin)
        do throws(StoreError) {
            let value = try body()
            try run(TransactionQueries.commit)
            return value
        } catch {
            // Some errors end the transaction by themselves. The first error is the one to tell.
            if isInTransaction { _ = try? run(TransactionQueries.rollback) }
            throw error
        }
    }

    /// Does all of `body` or, when it throws, nothing, and in that case leaves the transaction around
    /// it as it was before.
    func part<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run(TransactionQueries.part)
        do throws(StoreError) {
            let value = try body()
            try run(TransactionQueries.keep)
            return value
        } catch {
            if isInTransaction {
                _ = try? run(TransactionQueries.drop)
                _ = try? run(TransactionQueries.keep)
            }
            throw error
        }
    }
}
