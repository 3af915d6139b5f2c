/// Which Corral this is.
package enum CorralVersion {
    package static let current = "0.1.0"
}
