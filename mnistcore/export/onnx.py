"""ONNX: a network that runs without Python, wherever an ONNX runtime is."""

import warnings

import torch

from mnistcore.config import IMAGE_SIZE
from mnistcore.export.subject import Subject

PREPROCESSING = (
    "images: float32, (batch, 1, 28, 28), 0 for paper to 1 for ink; as in MNIST, the digit fills "
    "20 x 20 pixels and its centre of mass is in the middle. logits: float32, (batch, 10); the "
    "largest is the answer, their softmax the probabilities."
)


def to_onnx(subject: Subject) -> bytes:
    """The network as an ONNX model, input `images` and output `logits`, for any batch size.

    What goes in and comes out is told in its `doc_string`. Takes some seconds.
    """
    images = torch.zeros(2, 1, IMAGE_SIZE, IMAGE_SIZE)
    with warnings.catch_warnings():  # torch has some about itself
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            subject.network.eval(),
            (images,),
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    model = program.model_proto
    for part in (*model.graph.node, *model.graph.value_info, model.graph):
        del part.metadata_props[:]  # where on this machine the code lies that made it
    model.doc_string = f"{subject.title}. {PREPROCESSING}"
    content: bytes = model.SerializeToString()
    return content
