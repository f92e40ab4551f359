"""The public datasets that tasks read: one entry each.

Only sources that have stayed for years stand here with an address, each with the checksum that torchvision or
TensorFlow Datasets keep of it. All others say where to get them and how to lay them out.
"""

from __future__ import annotations

from dtml.catalogue import Paper
from dtml.language import Text
from dtml.tasks.datasets import Dataset, File

NO_LICENCE = Text("No licence is stated; used for research.", "未声明许可；用于研究。")

_GANIN_2016 = Paper(
    "Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky", 2016,
    "Domain-Adversarial Training of Neural Networks", "https://arxiv.org/abs/1505.07818", "section 5.2.4",
)  # fmt: skip


def _mnist(name: str, md5: str, size: int) -> File:
    mirrors = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
    urls = tuple(f"{mirror}{name}.gz" for mirror in mirrors)
    return File(f"MNIST/raw/{name}.gz", (f"MNIST/raw/{name}",), urls, f"md5:{md5}", size)


MNIST = Dataset(
    title="MNIST",
    home="http://yann.lecun.com/exdb/mnist/",
    terms=Text("Commonly distributed under CC BY-SA 3.0.", "通常以 CC BY-SA 3.0 发布。"),
    paper=Paper(
        "LeCun, Bottou, Bengio, Haffner", 1998, "Gradient-Based Learning Applied to Document Recognition",
        "https://doi.org/10.1109/5.726791", "section III.A",
    ),
    size=11_594_722,
    parts={
        "mnist": (
            _mnist("train-images-idx3-ubyte", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
            _mnist("train-labels-idx1-ubyte", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
            _mnist("t10k-images-idx3-ubyte", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
            _mnist("t10k-labels-idx1-ubyte", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
        )
    },
    layout=("MNIST/raw/train-images-idx3-ubyte.gz", "MNIST/raw/train-images-idx3-ubyte"),
)  # fmt: skip

_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"

USPS = Dataset(
    title="USPS",
    home="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
    terms=NO_LICENCE,
    paper=Paper(
        "Hull", 1994, "A Database for Handwritten Text Recognition Research", "https://doi.org/10.1109/34.291440"
    ),
    size=8_400_000,
    parts={
        "usps": (
            File("usps/usps.bz2", (), (f"{_LIBSVM}usps.bz2",), "md5:ec16c51db3855ca6c91edd34d0e9b197", 6_580_000),
            File("usps/usps.t.bz2", (), (f"{_LIBSVM}usps.t.bz2",), "md5:8ea070ee2aca1ac39742fdd1ef5ed118", 1_831_726),
        )
    },
    layout=("usps/usps.bz2", "usps/usps.t.bz2"),
)

MNIST_M = Dataset(
    title="MNIST-M",
    home="http://yaroslav.ganin.net/",
    terms=Text(
        "Made from MNIST and the photographs of BSDS500: non-commercial research and education.",
        "由 MNIST 与 BSDS500 的照片制成：仅限非商业研究与教育。",
    ),
    paper=_GANIN_2016,
    size=145_000_000,
    parts={
        "mnist_m": (
            File("mnist_m/mnist_m_train.zip"), File("mnist_m/mnist_m_train_labels.txt"),
            File("mnist_m/mnist_m_test.zip"), File("mnist_m/mnist_m_test_labels.txt"),
        )
    },
    layout=("mnist_m/mnist_m_train.zip", "mnist_m/mnist_m_train_labels.txt", "mnist_m/mnist_m_test.zip",
            "mnist_m/mnist_m_test_labels.txt"),
)  # fmt: skip

_SVHN = "http://ufldl.stanford.edu/housenumbers/"

SVHN = Dataset(
    title="SVHN",
    home=_SVHN,
    terms=Text("For non-commercial use only.", "仅限非商业用途。"),
    paper=Paper(
        "Netzer, Wang, Coates, Bissacco, Wu, Ng", 2011,
        "Reading Digits in Natural Images with Unsupervised Feature Learning",
        "http://ufldl.stanford.edu/housenumbers/nips2011_housenumbers.pdf", "format 2: cropped digits",
    ),
    size=246_316_178,
    parts={
        "svhn": (
            File(
                "svhn/train_32x32.mat", (), (f"{_SVHN}train_32x32.mat",), "md5:e26dedcc434d2e4c54c9b2d4a06d8373",
                182_040_794,
            ),
            File(
                "svhn/test_32x32.mat", (), (f"{_SVHN}test_32x32.mat",), "md5:eb5a983be6a315427106f1b164d9cef3",
                64_275_384,
            ),
        )
    },
    layout=("svhn/train_32x32.mat", "svhn/test_32x32.mat"),
)  # fmt: skip

SYNDIGITS = Dataset(
    title="SynDigits",
    home="http://yaroslav.ganin.net/",
    terms=NO_LICENCE,
    paper=Paper(
        "Ganin, Lempitsky", 2015, "Unsupervised Domain Adaptation by Backpropagation",
        "https://arxiv.org/abs/1409.7495", "section 4",
    ),
    size=1_500_000_000,
    parts={"syndigits": (File("syndigits/synth_train_32x32.mat"), File("syndigits/synth_test_32x32.mat"))},
    layout=("syndigits/synth_train_32x32.mat", "syndigits/synth_test_32x32.mat"),
)  # fmt: skip


def _folder(root: str, *names: str) -> tuple[File]:
    """A domain's class folders under one of its names, or a zip archive of them."""
    first, *others = (f"{root}/{name}{ending}" for name in names for ending in (".zip", ""))
    return (File(first, tuple(others)),)


OFFICE_31 = Dataset(
    title="Office-31",
    home="https://faculty.cc.gatech.edu/~judy/domainadapt/",
    terms=NO_LICENCE,
    paper=Paper(
        "Saenko, Kulis, Fritz, Darrell", 2010, "Adapting Visual Category Models to New Domains",
        "https://doi.org/10.1007/978-3-642-15561-1_16", "section 4",
    ),
    size=80_000_000,
    parts={name: _folder("office31", name) for name in ("amazon", "dslr", "webcam")},
    layout=("office31/amazon/images/<class>/<image>", "office31/amazon/<class>/<image>", "office31/amazon.zip"),
)  # fmt: skip

OFFICE_CALTECH10 = Dataset(
    title="Office-Caltech10",
    home="https://faculty.cc.gatech.edu/~judy/domainadapt/",
    terms=NO_LICENCE,
    paper=Paper(
        "Gong, Shi, Sha, Grauman", 2012, "Geodesic Flow Kernel for Unsupervised Domain Adaptation",
        "https://doi.org/10.1109/CVPR.2012.6247911", "section 4.1",
    ),
    size=60_000_000,
    parts={name: _folder("office_caltech10", name) for name in ("amazon", "dslr", "webcam", "caltech")},
    layout=("office_caltech10/amazon/<class>/<image>", "office_caltech10/amazon.zip"),
)  # fmt: skip

OFFICE_HOME = Dataset(
    title="Office-Home",
    home="https://www.hemanthdv.org/officeHomeDataset.html",
    terms=Text(
        "Fair-use notice of its authors: non-commercial research and education.",
        "作者的合理使用声明：非商业研究与教育。",
    ),
    paper=Paper(
        "Venkateswara, Eusebio, Chakraborty, Panchanathan", 2017,
        "Deep Hashing Network for Unsupervised Domain Adaptation", "https://arxiv.org/abs/1706.07522", "section 4",
    ),
    size=1_100_000_000,
    parts={
        "art": _folder("office_home", "Art"),
        "clipart": _folder("office_home", "Clipart"),
        "product": _folder("office_home", "Product"),
        "real_world": _folder("office_home", "Real World", "RealWorld", "Real_World", "Real"),
    },
    layout=("office_home/Real World/<class>/<image>", "office_home/Art.zip"),
)  # fmt: skip

PACS = Dataset(
    title="PACS",
    home="https://domaingeneralization.github.io/#data",
    terms=NO_LICENCE,
    paper=Paper(
        "Li, Yang, Song, Hospedales", 2017, "Deeper, Broader and Artier Domain Generalization",
        "https://arxiv.org/abs/1710.03077", "section 4",
    ),
    size=180_000_000,
    parts={
        name: _folder("pacs", name, f"images/{name}", f"kfold/{name}")
        for name in ("photo", "art_painting", "cartoon", "sketch")
    },
    layout=("pacs/photo/<class>/<image>", "pacs/photo.zip"),
)  # fmt: skip

VISDA_2017 = Dataset(
    title="VisDA-2017",
    home="https://github.com/VisionLearningGroup/taskcv-2017-public",
    terms=Text(
        "No licence is stated; published for a research challenge.", "未声明许可；为一项研究竞赛发布。"
    ),
    paper=Paper(
        "Peng, Usman, Kaushik, Hoffman, Wang, Saenko", 2017, "VisDA: The Visual Domain Adaptation Challenge",
        "https://arxiv.org/abs/1710.06924", "section 3",
    ),
    size=10_600_000_000,
    parts={"train": _folder("visda2017", "train"), "validation": _folder("visda2017", "validation")},
    layout=(
        "visda2017/train/<class>/<image> (unpacked train.tar)",
        "visda2017/validation/<class>/<image> (unpacked validation.tar)",
    ),
)  # fmt: skip

_M3SDA = "http://csr.bu.edu/ftp/visda/2019/multi-source/"
_DOMAINNET: dict[str, tuple[str, tuple[str, int], tuple[str, int], tuple[str, int]]] = {
    "clipart": (
        "groundtruth/",
        ("f8f248a3e8bbc9868c523ae24e6601b4c2ad102afc60c0efeb4f3255df22354d", 1_270_909_081),
        ("affdadf5f95a7583e6b98030a3d35007e2613ee4dd942393c5a705ec2b429312", 1_443_819),
        ("62c8e36aaba1c41ad9e249099739707220a44c08f167b37ef420f34a31628a6b", 628_917),
    ),
    "infograph": (
        "",
        ("891e14f476317e97b6f06d6498c11d0a5b8d0c8b57210765ed9beb072da611fa", 4_338_659_804),
        ("36b44cbd41a2915e0dc73b4f4be8862a6f3c220f93c8d63fb2439beeae3aefda", 1_683_098),
        ("413cfa54ac92e7e6b242f4f09fbd9c8ace85c4deaf3cb6c81ff6b68264460136", 728_028),
    ),
    "painting": (
        "groundtruth/",
        ("fa47e6d405503ea0286cabd767f176bd30e988b63ddd7b9db16cf030c9770015", 3_679_366_174),
        ("f1da38d50a702fddf1329f85bc607d7a2abcae7e6aec75e1fd49cc1bd340d47b", 2_241_901),
        ("11472b13b5188e09f06918b12eebb660588c97a20e43e268d9b02e3e37eb8f97", 971_888),
    ),
    "quickdraw": (
        "",
        ("9f37df2a8c3733703dbb35ad9964202a65f675ca30137756457537536b485d84", 459_920_701),
        ("3a5edd3bc215772010eebc87f158707703dd7e48091d13b816af81326a9d1c0f", 5_164_600),
        ("2a00a60650a453c65c356da748fec54084a197272137c440e7d52d08947357bf", 2_213_400),
    ),
    "real": (
        "",
        ("d7fe010b430c5b510f85d657d38c4a1924822695fabea4fef57bd00dba251d63", 6_062_039_589),
        ("19d483256d24aef19e581b65eda8333fd918aef3eb733fe499ff384120e3a289", 4_440_944),
        ("2b3f75bcde309aeb5931292084b2162e936b5f189e3bb1ad716f0f74c460864c", 1_911_327),
    ),
    "sketch": (
        "",
        ("23a7dbae7016b343e934399beaa8a68728fb5e570ebe2c71df9b75cf91c499fc", 2_633_992_926),
        ("72f4bc6afa5702a1ccba800d0053c1427de87439dfaf246dbc9a2e71abfec54f", 1_960_222),
        ("3fb48fca18c507c4321f007c3f62b308ec232ff6928cbfe2af64e76ec366e840", 850_581),
    ),
}
"""Folder of the archive; SHA-256 and bytes of the archive, and of the lists of its training and test images."""


def _domainnet(name: str) -> tuple[File, ...]:
    folder, archive, *lists = _DOMAINNET[name]
    images = File(
        f"domainnet/{name}.zip", (f"domainnet/{name}",), (f"{_M3SDA}{folder}{name}.zip",),
        f"sha256:{archive[0]}", archive[1],
    )  # fmt: skip
    listed = [
        File(f"domainnet/{name}_{part}.txt", (), (f"{_M3SDA}domainnet/txt/{name}_{part}.txt",), f"sha256:{digest}", n)
        for part, (digest, n) in zip(("train", "test"), lists, strict=True)
    ]
    return images, *listed


DOMAINNET = Dataset(
    title="DomainNet",
    home="http://ai.bu.edu/M3SDA/",
    terms=Text(
        "Fair-use notice of its authors: non-commercial research and education.",
        "作者的合理使用声明：非商业研究与教育。",
    ),
    paper=Paper(
        "Peng, Bai, Xia, Huang, Saenko, Wang", 2019, "Moment Matching for Multi-Source Domain Adaptation",
        "https://arxiv.org/abs/1812.01754", "section 3",
    ),
    size=18_480_000_000,
    parts={name: _domainnet(name) for name in _DOMAINNET},
    layout=(
        "domainnet/clipart.zip, or domainnet/clipart/<class>/<image>",
        "domainnet/clipart_train.txt", "domainnet/clipart_test.txt",
    ),
)  # fmt: skip
