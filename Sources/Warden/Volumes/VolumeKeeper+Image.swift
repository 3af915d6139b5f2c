import Launch
import Linux
import Volumes
import WardenProtocol

// What has to be there before a volume can be made, and takes its time: an image, and room in it.

extension VolumeKeeper {
    /// Has it made by another process where it is missing.
    /// - Parameter then: called later, with the reason where it could not be made; never where nothing is missing.
    /// - Returns: whether something is.
    func prepare(_ then: @escaping (Refusal?) -> Void) -> Bool {
        if let driver = driverIfOpen {
            guard driver.isOutOfRoom, driver.isGrownElsewhere else { return false }
            // Who finds no room behind that gets the reason from the driver.
            grow(driver) { then(nil) }
            return true
        }
        if !preparing.isEmpty {
            preparing.append(then)
            return true
        }
        // What is wrong with the place is told by the request itself, which meets the same.
        guard let images, let place = try? placeOfMissingImage() else { return false }
        preparing = [then]
        do throws(SystemError) {
            try images.begin(.volumes(bound: policy.image), in: place.directory.value, place.path) {
                [weak self] refusal in self?.prepared(refusal)
            }
        } catch {
            preparing = []
            tell(.remark("no process makes the image of the volumes: \(error)"))
            return false
        }
        return true
    }

    private func prepared(_ refusal: Refusal?) {
        let waiting = preparing
        preparing = []
        for body in waiting { body(refusal) }
    }
}
