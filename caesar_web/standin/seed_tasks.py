"""The tasks of the seeded workflows, as Panoptes writes tasks."""

from caesar_web.standin.world import JSON


def _question(text: str, answers: tuple[str, ...]) -> JSON:
    labels = [{"label": label} for label in answers]
    return {"type": "single", "question": text, "help": "", "required": True, "answers": labels}


def _drawing(instruction: str, tools: dict[str, str]) -> JSON:
    """The tools are shapes by their labels."""
    drawn = [
        {"type": shape, "label": label, "color": "#00ff00", "details": []}
        for label, shape in tools.items()
    ]
    return {"type": "drawing", "instruction": instruction, "help": "", "tools": drawn}


def _choice(label: str, description: str, *, questions: bool = True) -> JSON:
    return {
        "label": label,
        "description": description,
        "images": [],
        "characteristics": {},
        "confusions": {},
        "confusionsOrder": [],
        "noQuestions": not questions,
    }


def _survey_question(label: str, answers: dict[str, str], *, multiple: bool = False) -> JSON:
    return {
        "label": label,
        "required": not multiple,
        "multiple": multiple,
        "answers": {key: {"label": text} for key, text in answers.items()},
        "answersOrder": list(answers),
    }


SPECIES = {
    "LION": _choice("Lion", "A large tawny cat; adult males have a mane."),
    "ELEPHANT": _choice("Elephant", "The largest animal here, with a trunk."),
    "ZEBRA": _choice("Zebra", "Striped black and white."),
    "GIRAFFE": _choice("Giraffe", "Often only the legs are in the picture."),
    "BUFFALO": _choice("Buffalo", "Heavy and dark, with horns that meet on the forehead."),
    "IMPALA": _choice("Impala", "A reddish antelope with black stripes on the rump."),
    "WARTHOG": _choice("Warthog", "Runs with its tail upright."),
    "HYENA": _choice("Spotted hyena", "A sloping back and round ears."),
    "LEOPARD": _choice("Leopard", "Rosettes, and most often at night."),
    "BABOON": _choice("Baboon", "Walks on all fours with the tail bent."),
    "HIPPO": _choice("Hippopotamus", "Leaves the water after dark."),
    "GUINEAFOWL": _choice("Guineafowl", "A grey bird with white spots and a blue head."),
    "HUMAN": _choice("Human", "People or vehicles.", questions=False),
    "NOTHINGHERE": _choice("Nothing here", "No animal is to be seen.", questions=False),
}

COUNTS = ("1", "2", "3", "4", "5", "6-10", "11-50", "51+")

GALAXY: JSON = {
    "T0": _question(
        "Is there a galaxy in the middle of the picture?",
        ("Yes, a galaxy", "No, a star", "No, an artefact"),
    )
}

SHAPE: JSON = {
    "T0": _question(
        "What shape is the galaxy?", ("Smooth", "Spiral", "Seen edge-on", "Two galaxies merging")
    )
}

SURVEY: JSON = {
    "T0": {
        "type": "survey",
        "required": True,
        "next": "T1",
        "images": {},
        "choices": SPECIES,
        "choicesOrder": list(SPECIES),
        "characteristics": {},
        "characteristicsOrder": [],
        "questions": {
            "HOWMANY": _survey_question(
                "How many?", {text.replace("-", "").replace("+", ""): text for text in COUNTS}
            ),
            "BEHAVIOUR": _survey_question(
                "What are they doing?",
                {"RESTING": "Resting", "MOVING": "Moving", "EATING": "Eating"},
                multiple=True,
            ),
        },
        "questionsOrder": ["HOWMANY", "BEHAVIOUR"],
        "questionsMap": {},
        "inclusions": [],
        "exclusions": [],
        "alwaysShowThumbnails": False,
    },
    "T1": _question("Are there any young?", ("Yes", "No")),
}

MINUTES: JSON = {
    "T0": {
        "type": "text",
        "instruction": "Write down the text of the page, line by line.",
        "help": "Keep the spelling of the page. Mark a word you cannot read as [unclear].",
        "required": True,
        "text_tags": ["unclear", "deletion", "insertion"],
        "next": "T1",
    },
    "T1": _question("Is the page complete?", ("Yes", "No")),
}

STARS: JSON = {
    "T0": _drawing(
        "Mark what is in front of the galaxies.",
        {"Star": "point", "Cosmic ray": "point"},
    )
}

OUTLINES: JSON = {"T0": _drawing("Draw a line around each galaxy.", {"Galaxy": "polygon"})}

BOXES: JSON = {"T0": _drawing("Draw a box around each animal.", {"Animal": "rectangle"})}

LEAF: JSON = {
    "T0": _question("What kind of page is it?", ("Minutes", "Accounts", "A letter")),
    "T1": {
        **_question("What is on the page?", ("Print", "Handwriting", "A stamp", "A signature")),
        "type": "multiple",
        "required": False,
    },
    "T2": {
        "type": "slider",
        "instruction": "How well can it be read?",
        "help": "From 0, not at all, to 10, as print.",
        "min": "0",
        "max": "10",
        "step": "1",
        "defaultValue": "5",
    },
    "T3": {"type": "combo", "tasks": ["T0", "T1", "T2"], "loosen_requirements": False},
}
