"""What can go wrong, as a small tree; every message is one sentence that names the cure."""


class MnistError(Exception):
    """Anything that a user of the package can put right; its text is fit to be shown."""


class DataError(MnistError):
    """The images or labels are missing, damaged or not what they should be."""


class NetworkError(MnistError):
    """A network that cannot be built from these numbers."""


class TrainingError(MnistError):
    """A training run that cannot start, or that went wrong."""


class DivergenceError(TrainingError):
    """A training whose loss or weights grew beyond all bounds."""


class RunError(MnistError):
    """A run that is not there, cannot be read, or is not yours to steer."""


class ModelError(MnistError):
    """A network file that cannot be found or used."""


class DrawingError(MnistError):
    """A picture or a file of strokes that cannot be read."""


class ExportError(MnistError):
    """A network that cannot be written into the file that is asked for."""


class NotKeptError(ExportError):
    """A network of which that is not known which the file would show."""


class LessonError(MnistError):
    """A file with a lesson that cannot be read."""
