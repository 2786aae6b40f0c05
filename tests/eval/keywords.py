"""Texts without the words that give them away."""

import re

import features

# A word may be held by two phrases at once, and a longer phrase may have hidden a shorter one.
ROUNDS = 3


def deleted(texts, ids, command):
    """The texts without each word that one of the concepts `ids` rests on, and the share that still shows one.

    Word by word: a word goes where the program finds fewer of these concepts in the sentence without it. So what is
    deleted is neither more nor less than what the lexicon rests on, in every language, and no list is needed.
    """
    told = [[sentence.split() for sentence in re.split(r"(?<=[.!?؟;])\s+|\n+", text)] for text in texts]
    places = [(text, at) for text, sentences in enumerate(told) for at in range(len(sentences))]
    for _ in range(ROUNDS):
        places = thinned(told, places, ids, command)
    left = [" ".join(" ".join(words) for words in sentences if words) for sentences in told]
    still = [shows(answer["found"], ids) for answer in features.found(left, command)]
    return left, sum(map(bool, still)) / len(still)


def shows(found, ids):
    return {id: count for id, count in found.items() if id in ids}


def thinned(told, places, ids, command):
    """Deletes in the sentences at `places`; returns those in which something was found."""
    answers = features.found([" ".join(told[text][at]) for text, at in places], command)
    shown = {place: shows(answer["found"], ids) for place, answer in zip(places, answers)}
    places = [place for place in places if shown[place]]
    asked = [(text, at, word) for text, at in places for word in range(len(told[text][at]))]
    without = [" ".join(told[text][at][:word] + told[text][at][word + 1 :]) for text, at, word in asked]
    gone = {}
    for (text, at, word), answer in zip(asked, features.found(without, command)):
        now = answer["found"]
        if any(now.get(id, 0) < count for id, count in shown[text, at].items()):
            gone.setdefault((text, at), set()).add(word)
    for (text, at), words in gone.items():
        told[text][at] = [word for number, word in enumerate(told[text][at]) if number not in words]
    return places
