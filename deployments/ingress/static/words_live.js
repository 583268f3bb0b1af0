import { addWords } from "./words.js";

addWords({
  cameras: ["카메라", "Cameras"], events: ["최근 이벤트", "Latest events"], noEvents: ["아직 이벤트가 없습니다.", "No events yet."],
  noCameras: ["등록된 카메라가 없습니다.", "No camera is set up."],
  noCameraList: ["카메라 목록을 가져올 수 없습니다. 다시 시도합니다.", "The list of cameras cannot be had. Trying again."],
  since: ["{t}부터", "since {t}"], lastLooked: ["마지막 추론 {s}초 전", "last inference {s} s ago"],
  neverLooked: ["추론 없음", "no inference yet"], fps: ["{n} fps", "{n} fps"],
  notSafe: ["이 구역은 지금 보이지 않습니다. 안전하다고 볼 수 없습니다.", "Nobody sees this zone now. Do not take it for safe."],
  pageBlind: ["이 화면이 카메라 영상을 받지 못하고 있습니다.", "This page gets no picture of the camera."],
  stale: ["{s}초 동안 새 영상이 오지 않았습니다", "No new picture for {s} s"],
  unreadable: ["읽을 수 없는 영상", "unreadable picture"],
  noDetection: ["영상만 표시 — 감지가 작동하지 않습니다", "Video only — detection is not working"],
  pending: ["사진 저장 중", "Picture on its way"], lostPicture: ["사진 없음", "No picture"], wholePicture: ["화면 전체", "whole picture"],
  lasted: ["{s} 지속", "lasted {s}"], acknowledgedBy: ["{who} 확인", "Acknowledged by {who}"], acknowledged: ["확인됨", "Acknowledged"],
  tiles: ["타일 수", "Tiles"], tilesOf: ["개 타일", " tiles"], pageOf: ["{page} / {pages} 쪽", "Page {page} of {pages}"],
  earlierPage: ["이전 카메라", "Previous cameras"], laterPage: ["다음 카메라", "Next cameras"],
  elsewhere: ["다른 쪽에 주의할 카메라: {names}", "Needs a look on another page: {names}"],
  soundOn: ["경보음 켜짐", "Alarm sound on"], soundOff: ["경보음 꺼짐", "Alarm sound off"], soundBlocked: ["경보음: 화면을 한 번 누르세요", "Alarm sound: click the page once"],
  openCamera: ["{name} 크게 보기", "Open {name}"],
});
